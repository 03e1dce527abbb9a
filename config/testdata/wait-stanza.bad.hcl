wait {
  min = "5s"
  max = "2s"
}
template {
  source = "a"
  wait {
    min = "-1s"
  }
}
