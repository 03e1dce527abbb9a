admin {
  listen = "unix://"
  metrics_listen = [":9997x"]
}
