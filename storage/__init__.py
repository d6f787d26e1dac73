"""What is kept: the tables, the database and the group commit.  Knows no actor and no Discord."""
