# A listener that names a middleware there is not.
lb {
  listener {
    address     = ":80"
    middlewares = ["strip", "login@consulcatalog", "none"]
  }
}
middleware "strip" "strip_prefix" { prefixes = ["/v1"] }
