/// What the loudspeaker at a gate says, from the notes of the crew.
///
/// Notes that begin with `#` are for the crew, `stop` ends the announcements, everything else
/// is said, in capitals if it ends with `!`.
pub fn announcements(notes: &[&str]) -> Vec<String> {
    let mut said = Vec::new();
    for note in notes {
        let text = 'text: {
            if *note == "stop" {
                break;
            }
            if note.ends_with('!') {
                break 'text note.to_uppercase();
            }
            note.to_string()
        };
        if !text.starts_with('#') {
            said.push(text);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_after_the_stop() {
        let notes = [
            "boarding now",
            "#late crew",
            "hurry!",
            "stop",
            "#",
            "goodbye",
        ];
        assert_eq!(announcements(&notes), ["boarding now", "HURRY!"]);
        assert!(announcements(&["stop", "stop"]).is_empty());
    }
}
