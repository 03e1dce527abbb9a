deduplicate {
  prefix    = "/"
  ttl       = "5s"
  max_stale = "-1s"
}
template {
  source = "a"
}
