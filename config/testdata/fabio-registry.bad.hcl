fabio {
  registry {
    backend       = "custom"
    url           = "routes.example"
    timeout       = "-1s"
    poll_interval = "0s"
  }
}
