/// A friend whose call sign was heard on the radio, and what followed it.
#[derive(Debug)]
pub struct Heard<'radio, 'list> {
    pub friend: &'list str,
    pub message: &'radio str,
}

/// The first of the friends whose call sign stands in the transmission.
pub fn listen<'radio, 'list>(
    transmission: &'radio str,
    friends: &[&'list str],
) -> Option<Heard<'radio>> {
    friends.iter().find_map(|friend| {
        let (_, message) = transmission.split_once(friend)?;
        Some(Heard {
            friend,
            message: message.trim(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn friends_are_known_after_the_transmission() {
        let list = String::from("DK7XY OE3QQ");
        let friends: Vec<&str> = list.split(' ').collect();
        let friend = {
            let transmission = String::from("cq cq de OE3QQ");
            listen(&transmission, &friends).map(|heard| heard.friend)
        };
        assert_eq!(friend, Some("OE3QQ"));
    }

    #[test]
    fn messages_outlive_the_list_of_friends() {
        let transmission = String::from("DK7XY: 599 in Graz ");
        let heard =
            listen(&transmission, &[String::from("DK7XY:").as_str()]).map(|heard| heard.message);
        assert_eq!(heard, Some("599 in Graz"));
        assert!(listen(&transmission, &["G0AB"]).is_none());
    }
}
