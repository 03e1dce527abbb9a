exec {
  command      = "app"
  kill_timeout = "-1s"
  splay        = "-1s"
  env {
    denylist = ["[a"]
  }
}
