"""What every room shares: row types, params, tables, journal, progress. Import the file that you use."""
