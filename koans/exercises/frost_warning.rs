/// One reading of a thermometer in an orchard.
#[derive(Debug, PartialEq)]
pub struct Reading {
    pub row: u16,
    pub tenths_of_a_degree: i32,
}

/// Where it got coldest in the night, the earlier reading if two are equal.
/// `None` if nothing was measured.
pub fn coldest(readings: &[Reading]) -> Option<&Reading> {
    let mut coldest: &Reading;
    for reading in readings {
        if reading.tenths_of_a_degree < coldest.tenths_of_a_degree {
            coldest = reading;
        }
    }
    Some(coldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coldest_row_is_found() {
        let night =
            [(4, 31), (9, -12), (2, -12), (7, 5)].map(|(row, tenths_of_a_degree)| Reading {
                row,
                tenths_of_a_degree,
            });
        assert_eq!(coldest(&night).map(|reading| reading.row), Some(9));
        assert_eq!(coldest(&night[..1]), Some(&night[0]));
        assert_eq!(coldest(&[]), None);
    }
}
