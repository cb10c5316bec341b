batch-title = 取込
batch-author = 実行者
batch-claims = 対象の組織
batch-retired = なくなったレコード
batch-files = 原本
batch-file = ファイル
batch-bytes = バイト数
log-read-personal-file = 個人を特定する原本の取得
