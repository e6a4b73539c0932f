//! A list of numbers in brackets.

use nom::branch::alt;
use nom::character::complete::{char, digit1, multispace0};
use nom::combinator::{map, map_res};
use nom::multi::separated_list0;
use nom::sequence::{delimited, preceded};
use nom::IResult;

#[derive(Debug, PartialEq)]
pub enum Value {
    Number(i64),
    List(Vec<Value>),
}

fn number(input: &str) -> IResult<&str, Value> {
    map_res(digit1, |digits: &str| digits.parse().map(Value::Number))(input)
}

fn list(input: &str) -> IResult<&str, Value> {
    let items = separated_list0(char(','), value);
    map(delimited(char('['), items, preceded(multispace0, char(']'))), Value::List)(input)
}

pub fn value(input: &str) -> IResult<&str, Value> {
    preceded(multispace0, alt((number, list)))(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested() {
        let inner = Value::List(vec![Value::Number(2)]);
        assert_eq!(value(" [1, [2] ]"), Ok(("", Value::List(vec![Value::Number(1), inner]))));
        assert!(value("x").is_err());
    }
}
