admin {
  metrics "traefic" {}
  metrics "fabio" {
    prefix  = "{{"
    routers = true
    buckets = [1, 1]
  }
  metrics "traefik" {
    prefix  = "lb"
    buckets = [0, 1]
  }
  metrics "fabio" {}
  metrics_path = "metrics"
}
