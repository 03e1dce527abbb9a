tempalte {
  source = "a"
}
consul {
  adress = "a:1"
  retry {
    atempts = 1
  }
}
something_else_entirely = 1
