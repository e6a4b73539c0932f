/// What is printed on a packet of seeds: the plant, and the months for sowing it.
#[derive(Debug, PartialEq)]
pub struct Packet<'a> {
    pub plant: &'a str,
    pub months: Vec<&'a str>,
}

/// Reads a line such as `radish: Mar, Apr; Sep`.
pub fn read_packet(line: &str) -> Option<Packet<'_>> {
    let (plant, months) = line.split_once(':')?;
    Some(Packet {
        plant: plant.trim(),
        months: month_names(months),
    })
}

fn month_names(text: &str) -> Vec<&str> {
    let with_commas = text.replace(';', ",");
    with_commas
        .split(',')
        .map(str::trim)
        .filter(|month| !month.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_split_at_commas_and_semicolons() {
        let line = String::from("radish: Mar, Apr; Sep;");
        let packet = read_packet(&line).expect("the line is complete");
        assert_eq!(packet.plant, "radish");
        assert_eq!(packet.months, ["Mar", "Apr", "Sep"]);
        assert_eq!(read_packet("no colon"), None);
    }
}
