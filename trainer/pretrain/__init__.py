"""The seed model: its data is made, its network trained and exported here, each by one command."""
