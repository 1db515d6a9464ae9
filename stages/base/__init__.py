"""What every stage stands on: errors, params, paths, progress, tables, their schemas. Import the file that you use."""
