--- One server that speaks for both: rust-analyzer with Sleepy's fixes. Enable it with
--- `vim.lsp.enable('sleepy_wrap')` in place of a configuration of rust-analyzer; settings below
--- `settings['rust-analyzer']` reach rust-analyzer as ever.
---@type vim.lsp.Config
return {
  cmd = { 'sleepy', 'lsp', '--wrap', 'rust-analyzer' },
  filetypes = { 'rust' },
  root_markers = { 'Cargo.lock', 'Cargo.toml' },
  capabilities = { experimental = { sleepy = true } },
  -- rust-analyzer reads its settings from the first message, and asks for them again later.
  before_init = function(params, config)
    local settings = config.settings and config.settings['rust-analyzer']
    if settings then
      params.initializationOptions = vim.tbl_deep_extend('keep', params.initializationOptions or {}, settings)
    end
  end,
}
