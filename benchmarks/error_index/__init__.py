"""How many of the compiler's own erroneous examples Sleepy repairs, beside `cargo fix` and a plain search."""
