"""What the running kernel calls things: code addresses, drop reasons, network namespaces, links, and the host itself."""
