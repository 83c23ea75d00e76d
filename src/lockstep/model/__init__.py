"""The rules of access: frozen nouns and pure functions; knows no database, clock or network."""
