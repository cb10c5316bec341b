//! Rules that the repository itself keeps, as ordinary tests.

#[cfg(test)]
mod tidy;
