/// What a buoy sends: its number, the hour of the day, the height of the waves in centimetres.
pub type Message = [u16; 3];

const ROUGH: u16 = 120;

#[derive(Debug, Default, PartialEq)]
pub struct Watch {
    pub calm: u32,
    pub rough_hours: Vec<u16>,
}

impl Watch {
    pub fn hear(&mut self, messages: &[Message]) {
        for [hour, waves] in messages {
            if *waves < ROUGH {
                self.calm += 1;
            } else if self.rough_hours.last() != Some(hour) {
                self.rough_hours.push(*hour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rough_hours_are_told_once_each() {
        let mut watch = Watch::default();
        watch.hear(&[
            [430, 5, 80],
            [431, 6, 150],
            [430, 6, 121],
            [90, 7, 119],
            [430, 8, 120],
        ]);
        let rough_hours = vec![6, 8];
        assert_eq!(
            watch,
            Watch {
                calm: 2,
                rough_hours
            }
        );
    }
}
