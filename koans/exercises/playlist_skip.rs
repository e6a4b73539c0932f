/// Songs that are played round and round.
pub struct Playlist {
    songs: Vec<String>,
    current: usize,
}

impl Playlist {
    pub fn new(songs: &[&str]) -> Playlist {
        Playlist {
            songs: songs.iter().map(|song| song.to_string()).collect(),
            current: 0,
        }
    }

    /// Goes on by `by` songs, or back if it is negative; the ends of the list are joined.
    pub fn skip(&mut self, by: isize) -> Option<&str> {
        let count = self.songs.len() as isize;
        if count > 0 {
            let wanted = self.current as isize + by;
            self.current = wanted % count;
        }
        self.songs.get(self.current).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_joined() {
        let mut playlist = Playlist::new(&["Alba", "Bolero", "Csardas"]);
        assert_eq!(playlist.skip(4), Some("Bolero"));
        assert_eq!(playlist.skip(-2), Some("Csardas"));
        assert_eq!(playlist.skip(-6), Some("Csardas"));
        assert_eq!(Playlist::new(&[]).skip(1), None);
    }
}
