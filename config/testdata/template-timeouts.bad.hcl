template {
  source = "a"
  exec {
    timeout = "-1s"
  }
  check {
    timeout = "0s"
  }
}
