"""What several stages share: journal, processes, what the last run left, arithmetic. Import the file that you use."""
