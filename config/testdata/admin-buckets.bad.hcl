admin {
  metrics "fabio" {
    buckets = ["1", 2]
  }
  metrics "traefik" {
    buckets = "0.1,0.2"
  }
}
