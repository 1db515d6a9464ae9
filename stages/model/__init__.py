"""What is known of a model of a hub, a server or a published file, before it is asked."""
