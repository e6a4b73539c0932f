use std::num::ParseIntError;

#[derive(Debug, PartialEq)]
pub struct Station {
    pub name: String,
    pub minutes: u32,
}

/// Reads the sheet of a guided tour: `Clock room @ 12`, a station in each line. Lines without
/// an `@` are remarks for the guide.
pub fn read_sheet(sheet: &str) -> Result<Vec<Station>, ParseIntError> {
    let mut stations = Vec::new();
    for line in sheet.lines() {
        let Some((name, minutes)) = line.rsplit_once('@');
        stations.push(Station {
            name: name.trim().to_owned(),
            minutes: minutes.trim().parse()?,
        });
    }
    Ok(stations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_passed_over_wherever_they_stand() {
        let sheet = "mind the stairs\nClock room @ 12\n\nask for questions\nMap @ wall @ 5";
        let stations = read_sheet(sheet).unwrap();
        let told: Vec<_> = stations
            .iter()
            .map(|one| (one.name.as_str(), one.minutes))
            .collect();
        assert_eq!(told, [("Clock room", 12), ("Map @ wall", 5)]);
        assert!(read_sheet("Attic @ ten\nremark").is_err());
    }
}
