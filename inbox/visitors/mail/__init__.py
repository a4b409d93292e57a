"""Where a chat goes on by mail: answers nobody saw, the transcript, links to another device."""
