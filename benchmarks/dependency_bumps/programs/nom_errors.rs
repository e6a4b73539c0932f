//! Reads `WIDTHxHEIGHT`, and says where a text is wrong.

use nom::bytes::complete::tag;
use nom::character::complete::digit1;
use nom::sequence::separated_pair;
use nom::Err;

pub fn size(input: &str) -> Result<(u32, u32), String> {
    let parsed: nom::IResult<&str, (&str, &str)> = separated_pair(digit1, tag("x"), digit1)(input);
    match parsed {
        Ok((_, (width, height))) => Ok((width.parse().unwrap_or(0), height.parse().unwrap_or(0))),
        Err(Err::Error((rest, kind))) | Err(Err::Failure((rest, kind))) => {
            Err(format!("at {}: {:?}", input.len() - rest.len(), kind))
        }
        Err(Err::Incomplete(_)) => Err("too short".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("10x20"), Ok((10, 20)));
        assert_eq!(size("10y20"), Err("at 2: Tag".to_string()));
    }
}
