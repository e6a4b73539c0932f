//! What the library owns: books, their subjects, and the shelves they stand on.

mod book;
mod isbn;
mod search;
mod shelf;
mod store;
mod subject;

pub use book::{Book, Format};
pub use isbn::{Isbn, ParseIsbnError};
pub use search::Query;
pub use shelf::ShelfPlan;
pub use store::{Catalog, CatalogError};
pub use subject::{SUBJECTS, Subject, subject_name};
