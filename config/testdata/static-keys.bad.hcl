route { path = "/a" }
route "a" { hst = "a" }
middleware "one" { prefixes = ["/a"] }
middleware "kind" "stripprefx" {}
middleware "key" "strip_prefix" { prefixs = ["/a"] }
middleware "type" "rate_limit" { average = "many" }
middleware "list" "strip_prefix" { prefixes = [1] }
middleware "stanza" "headers" { custom_request_headers = "x" }
middleware "value" "rate_limit" { source_criterion { request_host = "perhaps" } }
defaults { load_balancer { sticky { cooky {} } } }
claim { services = ["a"] }
