/// A gust at the building site.
#[derive(Debug, PartialEq)]
pub struct Gust {
    pub metres_a_second: u32,
    pub direction: u16,
}

fn stops_the_crane(gust: &Gust) -> bool {
    let from_the_sea = (180..=300).contains(&gust.direction);
    gust.metres_a_second > if from_the_sea { 12 } else { 18 }
}

/// The first gust at which nothing can be lifted any more.
pub fn end_of_work(gusts: &[Gust]) -> Option<&Gust> {
    gusts.iter().find(|gust| stops_the_crane(gust))
}

pub fn is_calm(gusts: &[Gust]) -> bool {
    !gusts.iter().any(stops_the_crane)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wind_from_the_sea_is_worse() {
        let gusts =
            [(15, 90), (15, 270), (19, 90), (12, 200)].map(|(metres_a_second, direction)| Gust {
                metres_a_second,
                direction,
            });
        assert_eq!(end_of_work(&gusts), Some(&gusts[1]));
        assert_eq!(end_of_work(&gusts[3..]), None);
        assert!(is_calm(&gusts[..1]) && !is_calm(&gusts[2..]));
    }
}
