"""What the parts say to one another: frozen, tagged, versioned structs. Commands are imperative, events past tense."""
