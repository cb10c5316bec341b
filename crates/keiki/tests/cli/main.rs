//! The program from outside: what it prints, how it exits, and what is left on disk.

mod calendars;
mod collect;
mod config;
mod demo;
mod derived;
mod evidence;
mod evolution;
mod few_people;
mod full_disk;
mod guide;
mod hierarchies;
mod judgement;
mod live;
mod mapping;
mod notes;
mod person;
mod programme;
mod records;
mod screen;
mod spreadsheet;
mod statement;
mod statement_workbook;
mod walk;
mod workspace;
