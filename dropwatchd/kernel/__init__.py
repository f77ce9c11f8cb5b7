"""What the running kernel calls things: code, drop reasons, network namespaces, links, and the host itself."""
