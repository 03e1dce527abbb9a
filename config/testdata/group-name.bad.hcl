group {
  command = "reload"
}
group = "web"
