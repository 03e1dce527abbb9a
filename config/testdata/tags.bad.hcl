tags {
  fabio_prefix = ""
  fabio_prefixes = ["inner-", ""]
  traefik_prefix = ""
  dialects = ["traefik", "faboi"]
}
