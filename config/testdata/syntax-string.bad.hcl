consul {
  token = "planted-token\z"
}
