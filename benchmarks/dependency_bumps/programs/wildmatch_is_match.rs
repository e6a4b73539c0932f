//! Which files are left out.

use wildmatch::WildMatch;

pub struct Ignored {
    patterns: Vec<WildMatch>,
}

impl Ignored {
    pub fn new(lines: &str) -> Ignored {
        Ignored { patterns: lines.lines().map(WildMatch::new).collect() }
    }

    pub fn has(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.is_match(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let ignored = Ignored::new("*.log\ntarget?");
        assert!(ignored.has("a.log") && ignored.has("target1"));
        assert!(!ignored.has("log"));
    }
}
