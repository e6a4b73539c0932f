--- `sleepy lsp` beside a rust-analyzer that Neovim starts as well. Enable it with `vim.lsp.enable('sleepy')`.
--- What rust-analyzer says is passed on by `lua/sleepy/forward.lua`.
---@type vim.lsp.Config
return {
  cmd = { 'sleepy', 'lsp' },
  filetypes = { 'rust' },
  -- A workspace has its lock file at the root, a new one has none yet. Sleepy asks cargo for the rest.
  root_markers = { 'Cargo.lock', 'Cargo.toml' },
  capabilities = { experimental = { sleepy = true } },
}
