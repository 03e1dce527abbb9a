lb {
  guard {
    max_loss      = "60%"
    min_instances = 0
    window        = "0s"
  }
}
