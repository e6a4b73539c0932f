/// The remark of a line in a ship's log: what follows `mark`, without spaces around it.
///
/// A line without a mark is a remark as a whole.
pub fn remark<'a>(line: &'a str, mark: &str) -> &'a str {
    match line.find(mark) {
        Some(at) => line[at + mark.len()..].trim(),
        None => line.trim(),
    }
}

/// The remarks of a whole log, empty ones left out.
pub fn remarks(log: &str) -> Vec<&str> {
    log.lines()
        .map(|line| remark(line, "--"))
        .filter(|text| !text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_may_be_gone_when_the_remark_is_read() {
        let line = String::from("06:40 course 212 >> fog");
        let text = {
            let mark = ">".repeat(2);
            remark(&line, &mark)
        };
        assert_eq!(text, "fog");
        assert_eq!(
            remarks("07:00 -- calm\n08:00 --\nall well"),
            ["calm", "all well"]
        );
    }
}
