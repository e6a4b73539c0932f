//! What a folder holds.

use std::path::Path;

use walkdir::{DirEntry, WalkDir, WalkDirIterator};

#[derive(Debug, Default, PartialEq)]
pub struct Content {
    pub files: usize,
    pub links: usize,
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.')
}

pub fn content(folder: &Path) -> Content {
    let mut content = Content::default();
    for entry in WalkDir::new(folder).min_depth(1).into_iter().filter_entry(|entry| !is_hidden(entry)).flatten() {
        if entry.path_is_symbolic_link() {
            content.links += 1;
        } else if entry.file_type().is_file() {
            content.files += 1;
        }
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_its_own_package() {
        let content = content(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        assert_eq!(content, Content { files: 1, links: 0 });
    }
}
