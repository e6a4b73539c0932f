//! Turns `data/subjects.txt` into a sorted table that `src/subject.rs` includes.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let source = "data/subjects.txt";
    println!("cargo::rerun-if-changed={source}");
    println!("cargo::rerun-if-changed=build.rs");

    let text = fs::read_to_string(source).expect("data/subjects.txt is part of the package");
    let mut subjects: Vec<(&str, &str)> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            line.split_once(char::is_whitespace)
                .expect("a code, then a name")
        })
        .map(|(code, name)| (code, name.trim()))
        .collect();
    subjects.sort_unstable();

    let mut generated = String::from(
        "/// Every subject, by ascending code.\npub static SUBJECTS: &[Subject] = &[\n",
    );
    for (code, name) in subjects {
        writeln!(
            generated,
            "    Subject {{ code: {code:?}, name: {name:?} }},"
        )
        .expect("a String takes it all");
    }
    generated.push_str("];\n");

    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out_dir.join("subjects.rs"), generated).expect("OUT_DIR is writable");
}
