//! What a user may do.

use bitflags::bitflags;

bitflags! {
    pub struct Rights: u32 {
        const READ = 0b001;
        const WRITE = 0b010;
        const SHARE = 0b100;
        const EDITOR = Self::READ.bits | Self::WRITE.bits;
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub name: String,
    pub rights: Rights,
}

impl User {
    pub fn may(&self, wanted: Rights) -> bool {
        self.rights.contains(wanted)
    }

    pub fn promoted(&self) -> User {
        User { name: self.name.clone(), rights: self.rights | Rights::EDITOR }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promotion_adds_rights() {
        let guest = User { name: "ann".to_string(), rights: Rights::SHARE };
        assert!(!guest.may(Rights::READ));
        assert!(guest.promoted().may(Rights::READ | Rights::WRITE | Rights::SHARE));
        assert_ne!(guest, guest.promoted());
    }
}
