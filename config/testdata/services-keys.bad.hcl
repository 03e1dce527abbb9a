service { service = "a" }
service "key" { weighted { servces { name = "a" } } }
service "element" { weighted { services { nam = "a" } } }
service "list" { weighted { services = ["a"] } }
service "scalar" { weighted { services = "a" } }
service "value" { mirroring { mirrors { name = "a" percent = "all" } } }
service "stanza" { failover = "a" }
