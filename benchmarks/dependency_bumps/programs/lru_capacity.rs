//! Pages that were read lately.

use lru::LruCache;

pub struct Pages {
    cache: LruCache<String, usize>,
    pub misses: usize,
}

impl Pages {
    pub fn new() -> Pages {
        Pages { cache: LruCache::new(2), misses: 0 }
    }

    pub fn length(&mut self, address: &str) -> usize {
        if let Some(length) = self.cache.get(address) {
            return *length;
        }
        self.misses += 1;
        let length = address.len();
        self.cache.put(address.to_string(), length);
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_oldest() {
        let mut pages = Pages::new();
        for address in ["a", "b", "a", "c", "b"] {
            assert_eq!(pages.length(address), 1);
        }
        assert_eq!(pages.misses, 4);
    }
}
