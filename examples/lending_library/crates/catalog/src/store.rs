//! The catalog itself, loaded from and saved as JSON.

use std::collections::BTreeMap;
use std::fmt;

use crate::book::Book;
use crate::isbn::Isbn;
use crate::search::Query;
use crate::shelf::ShelfPlan;
use crate::subject::subject_name;

/// Every title the library owns.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    books: BTreeMap<Isbn, Book>,
}

/// Why a catalog can't be loaded.
#[derive(Debug)]
pub enum CatalogError {
    Json(serde_json::Error),
    Duplicate(Isbn),
    UnknownSubject { isbn: Isbn, code: String },
}

impl Catalog {
    pub fn from_json(text: &str) -> Result<Catalog, CatalogError> {
        let books: Vec<Book> = serde_json::from_str(text);
        let mut catalog = Catalog::default();
        for book in books {
            catalog.add(book)?;
        }
        Ok(catalog)
    }

    pub fn to_json(&self) -> Result<String, CatalogError> {
        let books: Vec<&Book> = self.books.values().collect();
        Ok(serde_json::to_string_pretty(&books)?)
    }

    pub fn add(&mut self, book: Book) -> Result<(), CatalogError> {
        if subject_name(&book.subject).is_none() {
            return Err(CatalogError::UnknownSubject {
                isbn: book.isbn,
                code: book.subject,
            });
        }
        if self.books.contains_key(&book.isbn) {
            return Err(CatalogError::Duplicate(book.isbn));
        }
        self.books.insert(book.isbn.clone(), book);
        Ok(())
    }

    pub fn get(&self, isbn: &Isbn) -> Option<&Book> {
        self.books.get(isbn)
    }

    pub fn len(&self) -> usize {
        self.books.len()
    }

    pub fn is_empty(&self) -> bool {
        self.books.is_empty()
    }

    pub fn search<'c>(&'c self, query: &'c Query) -> impl Iterator<Item = &'c Book> {
        self.books.values().filter(move |book| query.matches(book))
    }

    pub fn shelf_plan(&self) -> ShelfPlan {
        ShelfPlan::of(self.books.values())
    }
}

impl From<serde_json::Error> for CatalogError {
    fn from(error: serde_json::Error) -> Self {
        CatalogError::Json(error)
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CatalogError::Json(error) => write!(f, "the catalog is no valid JSON: {error}"),
            CatalogError::Duplicate(isbn) => write!(f, "{isbn} is in the catalog twice"),
            CatalogError::UnknownSubject { isbn, code } => write!(f, "{isbn}: no subject {code:?}"),
        }
    }
}

impl std::error::Error for CatalogError {}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_BOOKS: &str = r#"[
        {"isbn": "978-0-14-143951-8", "title": "Pride and Prejudice", "authors": ["Jane Austen"], "subject": "823"},
        {"isbn": "978-1-59327-828-1", "title": "The Rust Programming Language",
         "authors": ["Steve Klabnik", "Carol Nichols"], "subject": "005",
         "format": {"kind": "large-print", "points": 18}}
    ]"#;

    #[test]
    fn json_goes_in_and_comes_out() {
        let catalog = Catalog::from_json(TWO_BOOKS).unwrap();
        assert_eq!(catalog.len(), 2);
        let again = Catalog::from_json(&catalog.to_json().unwrap()).unwrap();
        assert_eq!(again.books, catalog.books);
    }

    #[test]
    fn search_reads_titles_and_authors() {
        let catalog = Catalog::from_json(TWO_BOOKS).unwrap();
        let query = Query::parse("nichols");
        let titles: Vec<&str> = catalog
            .search(&query)
            .map(|book| book.title.as_str())
            .collect();
        assert_eq!(titles, ["The Rust Programming Language"]);
    }

    #[test]
    fn the_sign_counts_by_subject() {
        let plan = Catalog::from_json(TWO_BOOKS).unwrap().shelf_plan();
        assert_eq!(
            plan.sign(),
            "005 Computer programming: 1\n823 English fiction: 1"
        );
        assert_eq!(plan.titles("823"), ["Pride and Prejudice"]);
        assert!(plan.titles("398").is_empty());
    }

    #[test]
    fn a_book_needs_a_known_subject() {
        let text = TWO_BOOKS.replace("823", "824");
        assert!(matches!(
            Catalog::from_json(&text),
            Err(CatalogError::UnknownSubject { .. })
        ));
    }
}
