tags {
  fabio_prefix = ""
  traefik_prefix = ""
  dialects = ["traefik", "faboi"]
}
