use std::fmt::{self, Write};

/// One row of a knitting chart: stitches and how often each is worked.
pub struct Row(pub Vec<(char, usize)>);

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|(s, n)| format!("{s}{n}")).collect();
        f.write_str(&words.join(" "))
    }
}

/// The chart as text; rows on the wrong side, every second one, are marked.
pub fn print(chart: &[Row]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for (index, row) in chart.iter().enumerate() {
        let side = if index % 2 == 1 { " (ws)" } else { "" };
        writeln!(text, "{}{side}: {row}", index + 1)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered() {
        let chart = [
            Row(vec![('k', 2), ('p', 2)]),
            Row(vec![('p', 4)]),
            Row(vec![]),
        ];
        assert_eq!(print(&chart).unwrap(), "1: k2 p2\n2 (ws): p4\n3: \n");
    }
}
