// What is typed letter by letter in the replay of typing: functions that compile in any module, one between two empty
// lines.

fn average_of_marks(marks: &[u32]) -> Option<f64> {
    if marks.is_empty() {
        return None;
    }
    let total: u32 = marks.iter().sum();
    Some(f64::from(total) / marks.len() as f64)
}

fn initials_of_name(name: &str) -> String {
    let mut initials = String::new();
    for part in name.split_whitespace() {
        if let Some(letter) = part.chars().next() {
            initials.push(letter.to_ascii_uppercase());
        }
    }
    initials
}

fn count_by_first_letter(words: &[String]) -> std::collections::BTreeMap<char, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for word in words {
        if let Some(letter) = word.chars().next() {
            *counts.entry(letter).or_insert(0) += 1;
        }
    }
    counts
}

#[derive(Debug, Clone, PartialEq)]
struct WaitingPerson {
    name: String,
    minutes: u32,
}

fn longest_waiting(people: &[WaitingPerson]) -> Option<&WaitingPerson> {
    people.iter().max_by_key(|person| person.minutes)
}

fn parse_minutes(text: &str) -> Result<u32, std::num::ParseIntError> {
    let (hours, minutes) = text.split_once(':').unwrap_or(("0", text));
    let hours: u32 = hours.trim().parse()?;
    let minutes: u32 = minutes.trim().parse()?;
    Ok(hours * 60 + minutes)
}

fn without_doubles(mut numbers: Vec<i64>) -> Vec<i64> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn label_of_grade(grade: u8) -> &'static str {
    match grade {
        0 => "none",
        1 | 2 => "good",
        3..=5 => "fair",
        _ => "poor",
    }
}
