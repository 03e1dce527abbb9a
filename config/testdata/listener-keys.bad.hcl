lb {
  listener {
    idle_timeot = "3s"
    address     = ":8080"
    pxyfrom     = "x"
  }
  listener {
    prot = "http"
  }
  listen = ["", ":80"]
}
